"""The life of keys and of the site that keeps them: aging, purges, witnesses, fellow processes."""
