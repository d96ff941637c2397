"""Deliveries for sites without internet: written, checked, signed, imported. Layer: actions."""
