"""x"""


def demo(*, exit_when_ready: bool = False) -> int:
    return 0
