-- What was wanted when the try began: news that came in while the last try was failing deserves tries of its own. Null in
-- rows of an older release, which then stay failed, as they did.
alter table attempts add column wanted int;
