//! estoult
