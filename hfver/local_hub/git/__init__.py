"""The repositories on disk: plain bare git repositories, read with pygit2 and written in git's own formats."""
