"""The version of the program; the package's own metadata are made from it."""

VERSION = "0.1.0"
