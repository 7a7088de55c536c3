"""Query the published corpus from Python: what was saved on each data set, and the largest saving.

    .venv/bin/python examples/query_corpus.py

Reads the lake that DRP_LAKE names (default: warehouse/ in the current folder). Run a night first, for example
`.venv/bin/drp nightly`; docs/catalogue.md lists all tables and views.
"""

from contextlib import closing

import drp

BY_DATASET = """
    SELECT dataset, count(*) AS revisions, avg(1 - v.tokens / r.total_tokens) AS saved
    FROM revisions v JOIN rollouts r USING (rollout_id) JOIN questions USING (question_id)
    WHERE status = 'accepted'
    GROUP BY dataset ORDER BY dataset
"""
LARGEST = """
    SELECT question, r.total_tokens, v.tokens, v.thinking
    FROM revisions v JOIN rollouts r USING (rollout_id) JOIN questions USING (question_id)
    WHERE status = 'accepted'
    ORDER BY v.tokens / r.total_tokens, rollout_id LIMIT 1
"""


def main() -> None:
    """Print a table, and the trace of which the least was kept."""
    with closing(drp.open_corpus()) as corpus:  # a DuckDB connection that can only read
        rows = corpus.execute(BY_DATASET).fetchall()
        largest = corpus.execute(LARGEST).fetchone()
    if largest is None:
        raise SystemExit("The corpus is empty. Run a night first: .venv/bin/drp nightly")
    print(f"{'data set':<24}{'revisions':>10}{'tokens saved':>14}")
    for dataset, revisions, saved in rows:
        print(f"{dataset:<24}{revisions:>10,}{saved:>14.1%}")
    question, before, after, thinking = largest
    print(f"\nLargest saving, {before:,} → {after:,} tokens:\n{question}\n\n{thinking}")


if __name__ == "__main__":
    main()
