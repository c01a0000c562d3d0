//! What many records have in common, such as what they grant or who made them: each value is held once.

/// So many values of a kind are known; then it begins anew. Who shares one that is forgotten still does.
const MOST: usize = 1000;

/// The values of one kind, whose clones share what they hold.
///
/// They are looked through one by one: a record comes after a look at a store, which takes a thousand times as long.
pub struct Commons<V>(Vec<V>);

impl<V> Default for Commons<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Clone + PartialEq> Commons<V> {
    /// Makes the value a clone of the equal one that is known, if there is one.
    pub fn share(&mut self, value: &mut V) {
        if let Some(known) = self.0.iter().find(|known| *known == value) {
            *value = known.clone();
            return;
        }
        if self.0.len() == MOST {
            self.0.clear();
        }
        self.0.push(value.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    fn shared(texts: &mut Commons<Rc<str>>, text: &str) -> Rc<str> {
        let mut text = Rc::from(text);
        texts.share(&mut text);
        text
    }

    #[test]
    fn equal_values_become_one_and_other_values_stay_themselves() {
        let mut texts = Commons::default();
        let [first, again, other] = ["a", "a", "b"].map(|text| shared(&mut texts, text));
        assert!(Rc::ptr_eq(&first, &again));
        assert_eq!((&*first, &*other), ("a", "b"));
    }

    #[test]
    fn however_many_values_come_few_are_held() {
        let mut texts = Commons::default();
        let first = shared(&mut texts, "first");
        (0..MOST).for_each(|number| drop(shared(&mut texts, &number.to_string())));
        assert!(texts.0.len() <= MOST);
        assert_eq!(Rc::strong_count(&first), 1, "who shares what is forgotten holds it alone");
    }
}
