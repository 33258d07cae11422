//! The schemas of the bookshop.

use estoult::{New, Schema, new};

/// A writer.
#[derive(Debug, Clone, Schema)]
#[schema(has_many(books: Book))]
pub(crate) struct Author {
    pub(crate) id: i64,
    #[field(unique)]
    pub(crate) name: String,
    pub(crate) born: i32,
    pub(crate) country: String,
}

/// A book of one author.
#[derive(Debug, Clone, Schema)]
#[schema(belongs_to(author: Author), unique(author_id, title))]
pub(crate) struct Book {
    pub(crate) id: i64,
    pub(crate) author_id: i64,
    pub(crate) title: String,
    pub(crate) year: i32,
    pub(crate) language: String,
    #[field(default = 3)]
    pub(crate) copies: i32,
}

impl Author {
    /// The same row for another database, under the same key.
    pub(crate) fn again(self) -> New<Self> {
        new!(Author {
            name: self.name,
            born: self.born,
            country: self.country
        })
        .put(Self::id, self.id)
    }
}

impl Book {
    /// The same row for another database, under the same key.
    pub(crate) fn again(self) -> New<Self> {
        new!(Book {
            author_id: self.author_id,
            title: self.title,
            year: self.year,
            language: self.language,
        })
        .put(Self::id, self.id)
        .put(Self::copies, self.copies)
    }
}
