//! What is held takes more of the memory than its bytes.

const WORD: usize = size_of::<usize>();

/// What a block of so many bytes takes of the heap, by the allocator of wasm (dlmalloc): a word more, in steps of two
/// words, and four words at least. Nothing is no block.
#[must_use]
pub const fn block(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    let taken = (bytes + WORD).next_multiple_of(2 * WORD);
    if taken < 4 * WORD { 4 * WORD } else { taken }
}

/// What one of those that share a value takes of the heap, if it is the only one.
#[must_use]
pub const fn shared<T>() -> usize {
    block(2 * WORD + size_of::<T>())
}

/// What an entry takes of a hash table with entries of so many bytes: one byte more, and the table is half full at times.
#[must_use]
pub const fn entry(bytes: usize) -> usize {
    2 * (bytes + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_a_word_more_and_whole_pairs_of_words() {
        let in_words = |bytes: usize| block(bytes) / WORD;
        assert_eq!([0, 1, 3 * WORD, 3 * WORD + 1, 5 * WORD].map(in_words), [0, 4, 4, 6, 6]);
    }
}
