"""Kinds that bundles are ordered as: served from a Menu, and each order made into a Release. Layer: controller.

A Menu names a bundle; `serve` makes the kind's definition of the bundle's schema. An object of that kind holds the
values and nothing else; `fill` writes the Release that keeps them, and lets the object say how that is. So there is one
kind of orders for everything else: the command line, records, locks and gates know Releases alone.
"""
