"""`python -m meshplane_cli`, where the command is not on the path."""

from meshplane_cli.app import main

if __name__ == "__main__":
    main()
