-- A word that is nearly right.
SHOW STREEMS;
