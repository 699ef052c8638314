CREATE TABLE "directory_answers" (
	"owner_id" uuid NOT NULL,
	"source" text NOT NULL,
	"subject" text,
	"was_seen" boolean DEFAULT false NOT NULL,
	"finding" jsonb,
	"is_proven" boolean DEFAULT false NOT NULL,
	"checked_at" timestamp with time zone NOT NULL,
	"active_at" timestamp with time zone,
	CONSTRAINT "directory_answers_owner_id_source_pk" PRIMARY KEY("owner_id","source")
);
--> statement-breakpoint
CREATE TABLE "directory_memories" (
	"source" text PRIMARY KEY NOT NULL,
	"memory" text
);
--> statement-breakpoint
CREATE TABLE "nightly_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone NOT NULL,
	"mode" text NOT NULL,
	"counts" jsonb NOT NULL,
	"candidates" jsonb NOT NULL,
	"candidates_hash" text,
	"alerts" jsonb NOT NULL,
	"approved_by" uuid,
	"approved_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "scim_addresses" (
	"user_id" uuid NOT NULL,
	"address" text NOT NULL,
	CONSTRAINT "scim_addresses_address_user_id_pk" PRIMARY KEY("address","user_id")
);
--> statement-breakpoint
CREATE TABLE "scim_users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user" jsonb NOT NULL,
	"user_name" text NOT NULL,
	"external_id" text,
	"active" boolean,
	"version" integer NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"changed_at" timestamp with time zone NOT NULL,
	CONSTRAINT "scim_users_userName_unique" UNIQUE("user_name")
);
--> statement-breakpoint
CREATE TABLE "standings" (
	"owner_id" uuid PRIMARY KEY NOT NULL,
	"strikes" integer DEFAULT 0 NOT NULL,
	"first_strike_at" timestamp with time zone,
	"last_strike_at" timestamp with time zone,
	"unknown_since" timestamp with time zone,
	"evidence" text
);
--> statement-breakpoint
DROP INDEX "keys_by_age";--> statement-breakpoint
DROP INDEX "keys_by_end";--> statement-breakpoint
ALTER TABLE "deployment" ADD COLUMN "created_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "revoke_tries" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "revoked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "owners" ADD COLUMN "block_approved" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "directory_answers" ADD CONSTRAINT "directory_answers_owner_id_owners_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."owners"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "nightly_runs" ADD CONSTRAINT "nightly_runs_approved_by_owners_id_fk" FOREIGN KEY ("approved_by") REFERENCES "public"."owners"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "scim_addresses" ADD CONSTRAINT "scim_addresses_user_id_scim_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."scim_users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "standings" ADD CONSTRAINT "standings_owner_id_owners_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."owners"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "directory_answers_by_age" ON "directory_answers" USING btree ("source","checked_at","owner_id");--> statement-breakpoint
CREATE INDEX "nightly_runs_by_age" ON "nightly_runs" USING btree ("started_at","id");--> statement-breakpoint
CREATE INDEX "scim_addresses_by_user" ON "scim_addresses" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "scim_users_by_external_id" ON "scim_users" USING btree ("external_id");--> statement-breakpoint
CREATE INDEX "scim_users_by_age" ON "scim_users" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "keys_revoking" ON "keys" USING btree ("lease_until") WHERE "keys"."phase" = 'revoking';--> statement-breakpoint
CREATE INDEX "keys_kept" ON "keys" USING btree ("revoked_at") WHERE "keys"."phase" = 'revoked';--> statement-breakpoint
CREATE INDEX "keys_by_age" ON "keys" USING btree ("created_at","id") WHERE "keys"."phase" in ('live', 'retiring', 'expired', 'gone', 'revoking', 'revoked');--> statement-breakpoint
CREATE INDEX "keys_by_end" ON "keys" USING btree ("phase","created_at","id") WHERE "keys"."phase" in ('expired', 'gone', 'revoking', 'revoked');--> statement-breakpoint
-- Keys that are being revoked are shown like those that were.
CREATE OR REPLACE FUNCTION count_shown_keys() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was integer := 0;
  shown text[] := ARRAY['live', 'retiring', 'expired', 'gone', 'revoking', 'revoked'];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    was := (OLD.phase = ANY (shown))::integer;
  END IF;
  IF (NEW.phase = ANY (shown))::integer <> was THEN
    INSERT INTO "shown_key_changes" ("change") VALUES ((NEW.phase = ANY (shown))::integer - was);
  END IF;
  RETURN NULL;
END $$;
