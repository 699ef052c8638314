CREATE TABLE "audit" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp with time zone NOT NULL,
	"actor_kind" text NOT NULL,
	"actor_id" uuid,
	"actor_label" text NOT NULL,
	"verb" text NOT NULL,
	"target_id" text NOT NULL,
	"owner_id" uuid NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"request_id" uuid
);
--> statement-breakpoint
CREATE TABLE "key_spend" (
	"key_id" uuid PRIMARY KEY NOT NULL,
	"seen_at" timestamp with time zone NOT NULL,
	"limit_usd" double precision,
	"remaining_usd" double precision,
	"day_usd" double precision NOT NULL,
	"week_usd" double precision NOT NULL,
	"month_usd" double precision NOT NULL
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"name" text PRIMARY KEY NOT NULL,
	"fence" integer NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"done_at" timestamp with time zone,
	"done_complete" boolean
);
--> statement-breakpoint
CREATE TABLE "raises" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key_id" uuid NOT NULL,
	"owner_id" uuid NOT NULL,
	"limit_cents" integer NOT NULL,
	"base_cents" integer,
	"until" timestamp with time zone NOT NULL,
	"reason" text NOT NULL,
	"state" text NOT NULL,
	"note" text,
	"created_at" timestamp with time zone NOT NULL,
	"decided_at" timestamp with time zone,
	"decided_by" uuid
);
--> statement-breakpoint
CREATE TABLE "request_counts" (
	"subject" text PRIMARY KEY NOT NULL,
	"minute" integer NOT NULL,
	"count" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "shown_key_changes" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "shown_key_changes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"change" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "phase" text;--> statement-breakpoint
UPDATE "keys" SET "phase" = coalesce("ended_as", "lifecycle");--> statement-breakpoint
ALTER TABLE "keys" ALTER COLUMN "phase" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "admin_hold" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "wanted_cents" integer;--> statement-breakpoint
UPDATE "keys" SET "wanted_cents" = "limit_cents";--> statement-breakpoint
ALTER TABLE "keys" ALTER COLUMN "wanted_cents" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "fit_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "replaces_id" uuid;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "retire_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "charged_cents" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "charged_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "audit" ADD CONSTRAINT "audit_owner_id_owners_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."owners"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_spend" ADD CONSTRAINT "key_spend_key_id_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "raises" ADD CONSTRAINT "raises_key_id_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "raises" ADD CONSTRAINT "raises_owner_id_owners_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."owners"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "raises" ADD CONSTRAINT "raises_decided_by_owners_id_fk" FOREIGN KEY ("decided_by") REFERENCES "public"."owners"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_by_owner" ON "audit" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "raises_by_owner" ON "raises" USING btree ("owner_id","created_at");--> statement-breakpoint
CREATE INDEX "raises_by_age" ON "raises" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "raises_in_force" ON "raises" USING btree ("until") WHERE "raises"."state" = 'approved';--> statement-breakpoint
CREATE UNIQUE INDEX "raises_one_open" ON "raises" USING btree ("key_id") WHERE "raises"."state" in ('waiting', 'approved');--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_replaces_id_keys_id_fk" FOREIGN KEY ("replaces_id") REFERENCES "public"."keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "keys_by_age" ON "keys" USING btree ("created_at","id") WHERE "keys"."phase" in ('live', 'retiring', 'expired', 'gone', 'revoked');--> statement-breakpoint
CREATE INDEX "keys_by_expiry" ON "keys" USING btree ("expires_at") WHERE "keys"."phase" in ('live', 'retiring');--> statement-breakpoint
CREATE INDEX "keys_retiring" ON "keys" USING btree ("retire_at") WHERE "keys"."phase" = 'retiring';--> statement-breakpoint
CREATE INDEX "keys_unfit" ON "keys" USING btree ("fit_at") WHERE "keys"."fit_at" is not null;--> statement-breakpoint
CREATE INDEX "keys_sealed" ON "keys" USING btree ("sealed_until") WHERE "keys"."sealed_secret" is not null;--> statement-breakpoint
CREATE INDEX "keys_disabled" ON "keys" USING btree ("created_at","id") WHERE "keys"."disabled" and "keys"."phase" in ('live', 'retiring');--> statement-breakpoint
CREATE INDEX "keys_by_end" ON "keys" USING btree ("phase","created_at","id") WHERE "keys"."phase" in ('expired', 'gone', 'revoked');--> statement-breakpoint
CREATE UNIQUE INDEX "keys_one_successor" ON "keys" USING btree ("replaces_id") WHERE "keys"."phase" <> 'released';--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_retiring_ends" CHECK ("keys"."phase" <> 'retiring' or "keys"."retire_at" is not null);