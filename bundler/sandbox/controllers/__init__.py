"""Small controllers: what makes stored objects behave like a cluster. Layer: sandbox, pure over a store.

Each one looks at all objects of its kinds and moves them one step towards what they ask for; the engine calls those
whose kinds changed, or whose time has come, until nothing moves. They know no waiting: every answer is a function of
what is stored and of the time.
"""
