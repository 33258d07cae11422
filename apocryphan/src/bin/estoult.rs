//! The program `estoult`: a shell for databases, and a check of their configuration.

use std::process::ExitCode;

fn main() -> ExitCode {
    apocryphan::program::main()
}
