"""What time alone brings about: warnings, missed deadlines, word that nothing changed, closing what nobody answered."""
