//! Results of earlier searches, a bounded number of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::outcome::{Best, NoMapping};

/// Results by key, such as `(design, layer operation, objective)`; the least recently used goes first.
///
/// As a search is deterministic, a result is the same whether it was kept or not.
///
/// ```
/// use tapeout_simulators::mapper::{MappingCache, NoMapping};
/// let mut cache = MappingCache::new(2);
/// let nothing = || Err(NoMapping::KeptNowhere { tensor: "Weights".to_owned() });
/// for layer in ["conv1", "conv2", "conv1", "conv3", "conv1", "conv2"] {
///     assert!(cache.get_or_search(&layer, nothing).is_err());
/// }
/// // `conv3` took the place of `conv2`, and `conv2` that of `conv3`.
/// assert_eq!((cache.hits(), cache.misses(), cache.len()), (2, 4, 2));
/// ```
#[derive(Debug, Clone)]
pub struct MappingCache<K> {
    results: BTreeMap<K, (u64, Result<Arc<Best>, NoMapping>)>,
    /// Keys by when they were used last.
    ages: BTreeMap<u64, K>,
    capacity: usize,
    now: u64,
    hits: u64,
    misses: u64,
}

impl<K: Ord + Clone> MappingCache<K> {
    /// An empty cache of at most `capacity` results, at least one.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { results: BTreeMap::new(), ages: BTreeMap::new(), capacity, now: 0, hits: 0, misses: 0 }
    }

    /// The result under `key`; `search` is asked if it is not here.
    ///
    /// # Errors
    /// What `search` returned; it is kept as well.
    pub fn get_or_search(
        &mut self,
        key: &K,
        search: impl FnOnce() -> Result<Best, NoMapping>,
    ) -> Result<Arc<Best>, NoMapping> {
        self.get(key).unwrap_or_else(|| self.insert(key, search()))
    }

    /// The result under `key`, if it is here.
    pub fn get(&mut self, key: &K) -> Option<Result<Arc<Best>, NoMapping>> {
        self.now += 1;
        let Some((age, result)) = self.results.get_mut(key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        self.ages.remove(age);
        self.ages.insert(self.now, key.clone());
        *age = self.now;
        Some(result.clone())
    }

    /// Keeps what a search found for `key`. Of two searches for one key, as two threads may make them, the results are the same.
    ///
    /// # Errors
    /// What the search returned.
    pub fn insert(&mut self, key: &K, found: Result<Best, NoMapping>) -> Result<Arc<Best>, NoMapping> {
        self.now += 1;
        let result = found.map(Arc::new);
        if let Some((age, _)) = self.results.remove(key) {
            self.ages.remove(&age);
        }
        if self.results.len() == self.capacity
            && let Some((_, oldest)) = self.ages.pop_first()
        {
            self.results.remove(&oldest);
        }
        self.ages.insert(self.now, key.clone());
        self.results.insert(key.clone(), (self.now, result.clone()));
        result
    }

    /// Results kept.
    pub fn len(&self) -> usize {
        self.results.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// Questions answered without a search.
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// Questions that took a search.
    pub fn misses(&self) -> u64 {
        self.misses
    }
}
