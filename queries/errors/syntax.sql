-- A caret points at the place.
SELECT id FROM riders WHER id = 1 EMIT CHANGES;
