//! [`Context`]: the schema, tenant and tags of the statements that are made in a scope.
//!
//! Invariant: a scope is read when a statement is made, never when it runs.

use std::{any::Any, borrow::Cow, fmt, future::Future, sync::Arc};

use tokio::task::{Id, try_id};

tokio::task_local! {
    static CONTEXT: Scoped;
}

/// The context of a scope, and which code sees it.
struct Scoped {
    context: Context,
    seen_by: SeenBy,
}

enum SeenBy {
    /// What a future polls, which is its own code.
    Future,
    /// Sync code may drive a runtime, which polls tasks of others on the same thread. They have ids of their own, while
    /// the future that is driven has the one of the code around it, or none.
    Task(Option<Id>),
}

impl Scoped {
    fn is_seen_here(&self) -> bool {
        match self.seen_by {
            SeenBy::Future => true,
            SeenBy::Task(id) => id == try_id(),
        }
    }
}

/// What the enclosing scopes set: [`with_schema`], [`with_tenant`], [`with_tags`].
///
/// A spawned task starts without a context; pass it on:
///
/// ```
/// use estoult::{Context, with_schema};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let schema = with_schema("tenant_7", async {
///     let context = Context::current();
///     let task = tokio::spawn(context.scope(async { Context::current().schema().map(str::to_owned) }));
///     task.await
/// });
/// assert_eq!(schema.await.ok().flatten().as_deref(), Some("tenant_7"));
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Scope>>);

#[derive(Clone, Default)]
struct Scope {
    schema: Option<Arc<str>>,
    tenant: Option<Arc<str>>,
    tags: Vec<(Cow<'static, str>, String)>,
    /// A value of a module above this one, which does not know its type.
    extension: Option<Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("schema", &self.schema())
            .field("tags", &self.tags().collect::<Vec<_>>())
            .finish()
    }
}

impl Context {
    /// The context of the enclosing scopes.
    #[must_use]
    pub fn current() -> Self {
        Self::with_current(|context| Some(context.clone())).unwrap_or_default()
    }

    /// The schema of statements made here, if a scope sets one; a tenant's schema takes precedence.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.chosen().map(|name| &**name)
    }

    /// The tags of the scopes, those of the outermost scope first.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let scopes = self.0.iter();
        scopes.flat_map(|scope| scope.tags.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// ` [request=7, user=42]` for a message; empty without tags.
    pub(crate) fn tag_list(&self) -> String {
        let tags: Vec<_> = self
            .tags()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if tags.is_empty() {
            return String::new();
        }
        format!(" [{}]", tags.join(", "))
    }

    /// Runs a future with this context instead of the current one, whatever task polls it.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let scoped = Scoped {
            context: self,
            seen_by: SeenBy::Future,
        };
        CONTEXT.scope(scoped, future)
    }

    /// Runs sync code with this context instead of the current one.
    ///
    /// Where the code drives a runtime of tokio, with `block_on`, the future that it drives is part of the scope, and
    /// tasks that run on the thread meanwhile are not. Executors other than tokio's do not tell them apart: there,
    /// [`scope`](Self::scope) the future instead.
    ///
    /// ```
    /// use estoult::Context;
    ///
    /// let context = Context::current().in_schema("tenant_7");
    /// assert_eq!(context.run(|| Context::current().schema().map(str::to_owned)).as_deref(), Some("tenant_7"));
    /// assert_eq!(Context::current().schema(), None);
    /// ```
    pub fn run<T>(self, work: impl FnOnce() -> T) -> T {
        let scoped = Scoped {
            context: self,
            seen_by: SeenBy::Task(try_id()),
        };
        CONTEXT.sync_scope(scoped, work)
    }

    /// This context with another schema; see [`with_schema`].
    #[must_use]
    pub fn in_schema(self, name: impl Into<String>) -> Self {
        self.with(|scope| scope.schema = Some(Arc::from(name.into())))
    }

    /// This context with another tenant; see [`with_tenant`].
    #[must_use]
    pub fn for_tenant(self, name: impl Into<String>) -> Self {
        self.with(|scope| scope.tenant = Some(Arc::from(name.into())))
    }

    /// This context with a further tag, or another value of a known one; see [`with_tags`].
    #[must_use]
    pub fn tagged(self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.with(|scope| {
            // The new value goes to the end, as a tag of the innermost scope.
            scope.tags.retain(|(known, _)| *known != name);
            scope.tags.push((name, value));
        })
    }

    /// This context with a value that a module above finds again by its type.
    pub(crate) fn with_extension(self, value: impl Any + Send + Sync) -> Self {
        self.with(|scope| scope.extension = Some(Arc::new(value)))
    }

    /// The value of this type, if a scope carries one.
    pub(crate) fn extension<T: Any>(&self) -> Option<&T> {
        self.0.as_ref()?.extension.as_ref()?.downcast_ref()
    }

    fn with(self, change: impl FnOnce(&mut Scope)) -> Self {
        // Contexts share their parts: a change copies them only while another context still has them.
        let mut scope = self.0.map_or_else(Scope::default, Arc::unwrap_or_clone);
        change(&mut scope);
        Self(Some(Arc::new(scope)))
    }

    /// The schema of statements made here, shared with them.
    pub(crate) fn chosen(&self) -> Option<&Arc<str>> {
        let scope = self.0.as_ref()?;
        // The tenant's schema wins, so that a nested `with_schema` can't lead out of it.
        scope.tenant.as_ref().or(scope.schema.as_ref())
    }

    /// The schema of the current scope.
    pub(crate) fn current_schema() -> Option<Arc<str>> {
        Self::with_current(|context| context.chosen().cloned())
    }

    /// What the current context gives; `None` outside of every scope, where the task-local is unset.
    fn with_current<T>(read: impl FnOnce(&Self) -> Option<T>) -> Option<T> {
        let seen = |scoped: &Scoped| {
            let context = scoped.is_seen_here().then_some(&scoped.context);
            context.and_then(read)
        };
        CONTEXT.try_with(seen).ok().flatten()
    }
}

/// Runs a future whose statements use the tables of this schema of the database, unless a statement names its own.
///
/// A statement takes the schema of the scope in which it is made, wherever it runs. So pass an `async` block: a verb
/// that is called outside of the block and awaited inside is refused.
///
/// ```
/// use estoult::{Dialect, Schema, with_schema};
///
/// #[derive(Schema)]
/// struct Book { id: i64 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> estoult::Result<()> {
/// let books = with_schema("tenant_7", async { Book::query() }).await;
/// assert!(books.to_sql(Dialect::Postgres)?.text().contains(r#"FROM "tenant_7"."books""#));
/// # Ok(())
/// # }
/// ```
pub fn with_schema<F: Future>(
    name: impl Into<String>,
    future: F,
) -> impl Future<Output = F::Output> {
    Context::current().in_schema(name).scope(future)
}

/// Runs a future for a tenant that has a schema of its own: as [`with_schema`], but a nested `with_schema` does not
/// override the tenant's schema.
pub fn with_tenant<F: Future>(
    name: impl Into<String>,
    future: F,
) -> impl Future<Output = F::Output> {
    Context::current().for_tenant(name).scope(future)
}

/// Runs a future whose statements carry tags, such as the id of a request. The error of an exhausted pool lists the
/// tags of the callers that hold its connections, and so do the warnings of a database that is not connected.
pub fn with_tags<F: Future, N: Into<Cow<'static, str>>, V: Into<String>>(
    tags: impl IntoIterator<Item = (N, V)>,
    future: F,
) -> impl Future<Output = F::Output> {
    let context = tags
        .into_iter()
        .fold(Context::current(), |context, (name, value)| {
            context.tagged(name, value)
        });
    context.scope(future)
}
