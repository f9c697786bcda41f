"""The `tocsin` command, and ``python -m daemon``.

Imports nothing of ours before it is ready for Ctrl-C: loading takes long
enough for somebody to press it, and a traceback would be the answer.
"""

import sys

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main() -> None:
    """The console script."""
    try:
        from daemon.cli.main import main as run  # noqa: PLC0415 - see above

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
