import type { Attributes, Context, Span, Tracer } from "@opentelemetry/api";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, ValueType, trace } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVICE_NAME,
  METRIC_HTTP_CLIENT_REQUEST_DURATION,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
} from "@opentelemetry/semantic-conventions";

import type { Outcome, Running, Telemetry, Work } from "../../services/meter.ts";

export interface RunningTelemetry extends Telemetry {
  /** Sends what has not been sent, for a few seconds at most. Never rejects. */
  readonly stop: () => Promise<void>;
}

/** A collector that is away holds nobody up: what cannot be delivered is dropped. */
const deliveryMs = 4_000;
const name = "openrouter-keys";

/** OpenTelemetry's conventions for durations, in seconds. */
const seconds = {
  unit: "s",
  valueType: ValueType.DOUBLE,
  advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
};

/**
 * Traces and metrics over OTLP/HTTP to the collector at `endpoint`. Nothing is registered globally, so no library adds
 * spans or headers of its own: no `traceparent` goes to OpenRouter, and none is taken from callers. What an attribute may
 * hold is decided by `attributesOf`, from a closed set of names and patterns.
 */
export function startTelemetry(endpoint: string): RunningTelemetry {
  const resource = defaultResource()
    .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: name }))
    .merge(detectResources({ detectors: [envDetector] }));
  const tracers = new TracerProvider({
    resource,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: deliveryMs }),
        exportTimeoutMillis: deliveryMs,
      }),
    ],
  });
  const meters = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${endpoint}/v1/metrics`, timeoutMillis: deliveryMs }),
        exportTimeoutMillis: deliveryMs,
      }),
    ],
  });
  const tracer = tracers.getTracer(name);
  const meter = meters.getMeter(name);
  const served = meter.createHistogram(METRIC_HTTP_SERVER_REQUEST_DURATION, {
    ...seconds,
    description: "From a request's arrival until its answer.",
  });
  const asked = meter.createHistogram(METRIC_HTTP_CLIENT_REQUEST_DURATION, {
    ...seconds,
    description: "From a call to OpenRouter until its answer begins.",
  });
  const made = meter.createCounter("openrouter_keys.keys.created", {
    unit: "{key}",
    valueType: ValueType.INT,
    description: "Keys made and confirmed.",
  });

  function measure(work: Work, outcome: Outcome, attributes: Attributes): void {
    if (work.kind === "request") served.record(outcome.milliseconds / 1000, attributes);
    if (work.kind === "upstream") asked.record(outcome.milliseconds / 1000, attributes);
  }

  return {
    begin: (work) => begin(tracer, work, ROOT_CONTEXT, measure),
    keyMade: (how) => made.add(1, { "openrouter_keys.made_by": how }),
    async stop() {
      await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
    },
  };
}

type Measure = (work: Work, outcome: Outcome, attributes: Attributes) => void;

function begin(tracer: Tracer, work: Work, parent: Context, measure: Measure): Running {
  const span = tracer.startSpan(nameOf(work), { kind: kindOf(work) }, parent);
  const context = trace.setSpan(parent, span);
  return {
    begin: (part) => begin(tracer, part, context, measure),
    end(outcome) {
      const attributes = attributesOf(work, outcome);
      finish(span, work, outcome, attributes);
      measure(work, outcome, attributes);
    },
  };
}

function finish(span: Span, work: Work, outcome: Outcome, attributes: Attributes): void {
  if (work.kind === "request") span.updateName(`${methodOf(work.method)} ${outcome.route ?? ""}`.trim());
  span.setAttributes(attributes);
  if (hasFailed(work, outcome)) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function nameOf(work: Work): string {
  switch (work.kind) {
    case "request":
      return methodOf(work.method);
    case "job":
      return work.name;
    case "database":
      return work.verb;
    case "upstream":
      return `${work.method} ${work.pattern}`;
  }
}

function kindOf(work: Work): SpanKind {
  switch (work.kind) {
    case "request":
      return SpanKind.SERVER;
    case "job":
      return SpanKind.INTERNAL;
    case "database":
    case "upstream":
      return SpanKind.CLIENT;
  }
}

/** OpenTelemetry's stable names where it has them. */
function attributesOf(work: Work, outcome: Outcome): Attributes {
  const status = outcome.status === undefined ? {} : { [ATTR_HTTP_RESPONSE_STATUS_CODE]: outcome.status };
  const failure = hasFailed(work, outcome) ? { [ATTR_ERROR_TYPE]: String(outcome.status ?? "_OTHER") } : {};
  switch (work.kind) {
    case "request":
      return {
        [ATTR_HTTP_REQUEST_METHOD]: methodOf(work.method),
        ...(outcome.route === undefined ? {} : { [ATTR_HTTP_ROUTE]: outcome.route }),
        ...status,
        ...failure,
      };
    case "job":
      return failure;
    case "database":
      return { "db.system.name": "postgresql", "db.operation.name": work.verb, ...failure };
    case "upstream":
      return { [ATTR_HTTP_REQUEST_METHOD]: work.method, "url.template": work.pattern, ...status, ...failure };
  }
}

/** Refusals are a caller's failure, and OpenRouter's are ours. */
function hasFailed(work: Work, { isFailure, status }: Outcome): boolean {
  return isFailure || (work.kind === "upstream" && status !== undefined && status >= 400);
}

/** A method is the caller's text until it is one of these. */
function methodOf(method: string): string {
  return /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(method) ? method : "_OTHER";
}
