"""Verbs whose command line does more than call one action. Layer: cli."""
