//! What a migration file says, for the library that runs migrations and for the macro that
//! embeds them: ids and their order, directives, steps, statements, and the graph.
//! Invariant: nothing here talks to a database; only `folder` reads files.

mod folder;
mod graph;
mod header;
mod lexer;
mod nearest;
mod order;
mod problem;
mod script;
mod statements;
mod syntax;

pub use folder::{Folder, Source, SourceKind};
pub use graph::{Graph, Node};
pub use header::{Header, Ignore};
pub use nearest::nearest;
pub use order::{natural, number};
pub use problem::{Problem, Problems};
pub use script::{Script, ScriptStep};
pub use statements::{Piece, Role, Statement, Typed, split, statements, typed};
pub use syntax::Syntax;
