"""Suspensions that are in dispute: said by customer or NOC, listed, struck out or upheld by a duty manager."""
