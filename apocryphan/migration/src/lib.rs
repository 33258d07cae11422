//! What a migration file says, for the library that runs migrations and for the macro that
//! embeds them: ids and their order, directives, steps, statements, and the graph.
//! Invariant: nothing here talks to a database; only `folder` reads files.

mod folder;
mod graph;
mod header;
mod layout;
mod order;
mod problem;
mod script;
mod statements;

pub use estoult_sql::{statements::Statement, syntax::Syntax};

pub use folder::{Folder, Source, SourceKind};
pub use graph::{Graph, Node};
pub use header::{Header, Ignore, quoted_id};
pub use order::{natural, number};
pub use problem::{Problem, Problems};
pub use script::{Script, ScriptStep};
pub use statements::statements;
