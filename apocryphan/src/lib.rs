//! apocryphan
