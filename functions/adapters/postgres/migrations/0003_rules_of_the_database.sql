-- The record is append-only, whoever is connected.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The table % is append-only.', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
--> statement-breakpoint
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON "audit"
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON "audit"
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
-- How many keys people are shown, as a sum of changes: a counter in one row would make all creates wait for each other.
CREATE FUNCTION count_shown_keys() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was integer := 0;
  shown text[] := ARRAY['live', 'retiring', 'expired', 'gone', 'revoked'];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    was := (OLD.phase = ANY (shown))::integer;
  END IF;
  IF (NEW.phase = ANY (shown))::integer <> was THEN
    INSERT INTO "shown_key_changes" ("change") VALUES ((NEW.phase = ANY (shown))::integer - was);
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER keys_are_counted AFTER INSERT OR UPDATE OF "phase" ON "keys"
  FOR EACH ROW EXECUTE FUNCTION count_shown_keys();
--> statement-breakpoint
INSERT INTO "shown_key_changes" ("change")
  SELECT count(*) FROM "keys" WHERE "phase" IN ('live', 'retiring', 'expired', 'gone', 'revoked');
--> statement-breakpoint
-- A crash may forget the counts of one minute; writing them to the log would cost every request a wait for the disk.
ALTER TABLE "request_counts" SET UNLOGGED;
--> statement-breakpoint
-- Makes the search for a part of a name fast. Where the server does not have it, the search is only slower.
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX "keys_by_part_of_name" ON "keys" USING gin ("name" gin_trgm_ops);
  CREATE INDEX "owners_by_part_of_email" ON "owners" USING gin ("email" gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'pg_trgm is not available.';
END $$;
