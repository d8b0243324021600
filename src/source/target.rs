//! The labels that name the target of a series.

/// Series that have an `instance` are of one target when all of these are the same.
pub(super) const TARGET_LABELS: [&str; 9] = [
    "job",
    "instance",
    "cluster",
    "namespace",
    "pod",
    "prometheus",
    "prometheus_replica",
    "replica",
    "__replica__",
];

/// These as they stand in a query, `on(…)`.
pub(super) fn labels() -> String {
    TARGET_LABELS.join(",")
}
