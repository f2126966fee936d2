"""From clicks to key: authenticate, sift, estimate, reconcile, verify, amplify."""
