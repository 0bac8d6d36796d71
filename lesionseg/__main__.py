"""``python -m lesionseg``."""

from lesionseg.cli import main

if __name__ == "__main__":
    main()
