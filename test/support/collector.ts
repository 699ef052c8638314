import { createServer } from "node:http";

import * as z from "zod/mini";

/** An OpenTelemetry collector on loopback: takes OTLP over HTTP in JSON, and keeps what it is sent. */
export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** Every span, in the order in which they ended. */
  readonly spans: readonly CollectedSpan[];
  /** The last value of each metric: the sum of a counter, how often a histogram was recorded to. */
  readonly metrics: ReadonlyMap<string, number>;
  /** Everything that came in, as it was sent, headers included. */
  readonly text: () => string;
  readonly stop: () => Promise<void>;
}

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** OTLP's number: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** Nanoseconds since the epoch. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const Value = z.union([
  z.pipe(
    z.object({ stringValue: z.string() }),
    z.transform(({ stringValue }) => stringValue),
  ),
  z.pipe(
    z.object({ intValue: z.union([z.string(), z.number()]) }),
    z.transform(({ intValue }) => Number(intValue)),
  ),
]);
const Attributes = z.pipe(
  z.array(z.object({ key: z.string(), value: Value })),
  z.transform((entries) => Object.fromEntries(entries.map(({ key, value }) => [key, value]))),
);
const Nanoseconds = z.pipe(
  z.string(),
  z.transform((digits: string) => BigInt(digits)),
);
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.optional(z.string()),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: Nanoseconds,
  endTimeUnixNano: Nanoseconds,
  attributes: Attributes,
});
const Traces = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(Span) })) })),
});
const Point = z.object({ asInt: z.optional(z.union([z.string(), z.number()])), count: z.optional(z.number()) });
const Points = z.object({ dataPoints: z.array(Point) });
const Metric = z.object({ name: z.string(), sum: z.optional(Points), histogram: z.optional(Points) });
const Metrics = z.object({
  resourceMetrics: z.array(z.object({ scopeMetrics: z.array(z.object({ metrics: z.array(Metric) })) })),
});

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const metrics = new Map<string, number>();
  let text = "";

  function take(path: string | undefined, body: string): void {
    if (path === "/v1/traces") {
      const { resourceSpans } = Traces.parse(JSON.parse(body));
      const sent = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
      for (const { startTimeUnixNano: start, endTimeUnixNano: end, parentSpanId, ...span } of sent) {
        spans.push({ ...span, start, end, parentSpanId: parentSpanId === "" ? undefined : parentSpanId });
      }
    }
    if (path === "/v1/metrics") {
      const { resourceMetrics } = Metrics.parse(JSON.parse(body));
      const sent = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
      for (const { name, sum, histogram } of sent) {
        const points = (sum ?? histogram)?.dataPoints ?? [];
        metrics.set(
          name,
          points.reduce((total, { asInt, count }) => total + Number(asInt ?? count ?? 0), 0),
        );
      }
    }
  }

  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      text += `${request.url} ${JSON.stringify(request.headers)} ${body}\n`;
      take(request.url, body);
      response.setHeader("Content-Type", "application/json").end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The collector got no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans,
    metrics,
    text: () => text,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
