"""What a command raises when it cannot go on: errors for people."""


class RefusalError(Exception):
    """The input cannot be used; says what is wrong, where, and what to do, in one sentence."""


class FalsehoodError(Exception):
    """A claim or a verification failed; says which."""
