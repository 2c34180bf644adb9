"""python -m convmath"""

from convmath.cli import main

if __name__ == "__main__":
    main(prog_name="convmath")
