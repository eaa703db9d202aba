-- What can be found by words: one row per chunk of a current version, `rowid` being the chunk's id.
--
-- `scope` is a word made of the knowledge base's id, so that the index itself leaves other bases out:
-- a join afterwards reads every match of every base. `forms` holds stems and character groups of
-- languages the English stemmer does not reach. Marks (M*) belong to words, or Hindi and Thai fall apart.
create virtual table passages using fts5(
    scope, title, heading, body, forms,
    tokenize = "porter unicode61 categories 'L* N* Co M*'"
);
