"""Executing instructions: the Machine protocol, Unicorn behind it, assembler, disassembler."""
