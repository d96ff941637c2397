"""Kinds of orders: a bundle's values schema as a CustomResourceDefinition, and orders as values. Layer: menu, pure."""
