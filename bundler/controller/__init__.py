"""The controller: keeps releases as orders in the cluster say. Layer: a program beside the command line.

It knows bundler by its public library alone. An order is an object of the cluster that says what a release is to be;
`reconcile` compares the two and acts, watches only wake it.
"""
