ALTER TABLE "keys" DROP CONSTRAINT "keys_ended_says_how";--> statement-breakpoint
ALTER TABLE "keys" DROP CONSTRAINT "keys_live_has_upstream";--> statement-breakpoint
DROP INDEX "keys_reserved";--> statement-breakpoint
CREATE INDEX "keys_reserved" ON "keys" USING btree ("lease_until") WHERE "keys"."phase" = 'reserved';--> statement-breakpoint
ALTER TABLE "keys" DROP COLUMN "lifecycle";--> statement-breakpoint
ALTER TABLE "keys" DROP COLUMN "ended_as";--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_live_has_upstream" CHECK ("keys"."phase" not in ('live', 'retiring') or "keys"."upstream_hash" is not null);