"""Folders and files that only this user can have written, and files that appear whole or not at all."""
