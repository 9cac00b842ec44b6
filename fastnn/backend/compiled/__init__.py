"""The CPU through compiled code: LLVM text, one function per program, threads."""
