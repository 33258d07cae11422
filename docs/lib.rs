//! The guides of estoult, compiled.
