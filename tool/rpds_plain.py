"""What jsonschema's libraries use of rpds, in plain Python: for interpreters that no compiled one fits."""


class HashTrieMap:
    """A mapping whose changes are new mappings."""

    __slots__ = ("_data",)

    def __init__(self, *args, **named):
        self._data = dict(*args, **named)

    @classmethod
    def convert(cls, value):
        return value if isinstance(value, cls) else cls(value)

    @classmethod
    def fromkeys(cls, keys, value=None):
        return cls(dict.fromkeys(keys, value))

    def insert(self, key, value):
        return HashTrieMap({**self._data, key: value})

    def update(self, *args, **named):
        changed = dict(self._data)
        changed.update(*args, **named)
        return HashTrieMap(changed)

    def remove(self, key):
        changed = dict(self._data)
        del changed[key]
        return HashTrieMap(changed)

    def discard(self, key):
        return self.remove(key) if key in self._data else self

    def get(self, key, default=None):
        return self._data.get(key, default)

    def keys(self):
        return self._data.keys()

    def values(self):
        return self._data.values()

    def items(self):
        return self._data.items()

    def __getitem__(self, key):
        return self._data[key]

    def __contains__(self, key):
        return key in self._data

    def __iter__(self):
        return iter(self._data)

    def __len__(self):
        return len(self._data)

    def __eq__(self, other):
        return isinstance(other, HashTrieMap) and self._data == other._data

    def __hash__(self):
        return hash(frozenset(self._data.items()))

    def __repr__(self):
        return f"HashTrieMap({self._data!r})"


class HashTrieSet(frozenset):
    """A set whose changes are new sets."""

    __slots__ = ()

    def insert(self, value):
        return HashTrieSet(self | {value})

    def remove(self, value):
        if value not in self:
            raise KeyError(value)
        return HashTrieSet(self - {value})

    def discard(self, value):
        return HashTrieSet(self - {value})

    def update(self, *others):
        return HashTrieSet(self.union(*others))


class List(tuple):
    """A list whose changes are new lists."""

    __slots__ = ()

    def __new__(cls, *args):
        return super().__new__(cls, args[0] if len(args) == 1 else args)

    def push_front(self, value):
        return List((value, *self))

    @property
    def first(self):
        return self[0]

    @property
    def rest(self):
        return List(self[1:])

    def drop_first(self):
        return List(self[1:])
