-- lakes
SELECT name, depth FROM lakes WHERE depth > 10 ORDER BY name;
