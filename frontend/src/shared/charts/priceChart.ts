import {
  CandlestickSeries,
  ColorType,
  createChart,
  CrosshairMode,
  HistogramSeries,
  LineSeries,
  LineStyle,
  type IChartApi,
  type MouseEventParams,
} from 'lightweight-charts';
import { BandSeries, type BandPoint } from './bandSeries';
import type { ChartColors } from './colors';
import { IndicatorLayer, type IndicatorLine } from './indicators';

export interface Bar {
  session: string;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** What was, or is, forecast for a session. */
export interface ForecastPoint {
  session: string;
  value: number;
  lower: number | null;
  upper: number | null;
}

export interface ChartData {
  /** oldest first */
  bars: readonly Bar[];
  /** forecasts of sessions that have closed, oldest first, one per session */
  past: readonly ForecastPoint[];
  /** from the session that a forecast starts at to the last one forecast, oldest first */
  future: readonly ForecastPoint[];
  /** sessions that get a place on the axis though nothing is known of them */
  blanks: readonly string[];
}

/** Room to the right of the last bar, in bars. */
const MARGIN = 4;

function band(points: readonly ForecastPoint[]): BandPoint[] {
  return points.flatMap(({ session, lower, upper }) =>
    lower === null || upper === null ? [] : [{ time: session, lower, upper }],
  );
}

function line(points: readonly ForecastPoint[]) {
  return points.map(({ session, value }) => ({ time: session, value }));
}

function addSeries(chart: IChartApi) {
  const quiet = { lastValueVisible: false, priceLineVisible: false };
  const volume = chart.addSeries(HistogramSeries, {
    ...quiet,
    priceScaleId: 'volume',
    priceFormat: { type: 'volume' },
  });
  volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  return {
    volume,
    pastBand: chart.addCustomSeries(new BandSeries(), quiet),
    futureBand: chart.addCustomSeries(new BandSeries(), quiet),
    candles: chart.addSeries(CandlestickSeries, { borderVisible: false, priceLineStyle: LineStyle.Dotted }),
    past: chart.addSeries(LineSeries, {
      ...quiet,
      lineVisible: false,
      pointMarkersVisible: true,
      pointMarkersRadius: 2,
      crosshairMarkerVisible: false,
    }),
    future: chart.addSeries(LineSeries, {
      ...quiet,
      lastValueVisible: true,
      lineWidth: 2,
      lineStyle: LineStyle.Dashed,
      pointMarkersVisible: true,
      pointMarkersRadius: 3,
    }),
  };
}

/** Candles with volume, past forecasts as dots in their intervals, and the newest one as a widening band. */
export class PriceChart {
  readonly #chart: IChartApi;
  readonly #series: ReturnType<typeof addSeries>;
  readonly #indicators: IndicatorLayer;
  #colors: ChartColors;
  #bars = 0;
  #points = 0;

  constructor(container: HTMLElement, colors: ChartColors, onHover: (session: string | null) => void) {
    this.#colors = colors;
    this.#chart = createChart(container, {
      autoSize: true,
      crosshair: { mode: CrosshairMode.Magnet },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.22 } },
      timeScale: { borderVisible: false, minBarSpacing: 0.2 },
    });
    this.#series = addSeries(this.#chart);
    this.#indicators = new IndicatorLayer(this.#chart);
    this.#chart.subscribeCrosshairMove((event: MouseEventParams) => {
      onHover(typeof event.time === 'string' ? event.time : null);
    });
    this.setColors(colors);
  }

  setColors(colors: ChartColors): void {
    this.#colors = colors;
    const { candles, past, future, pastBand, futureBand } = this.#series;
    this.#chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: 'transparent' },
        textColor: colors.text,
        fontFamily: getComputedStyle(document.body).fontFamily,
        panes: { separatorColor: colors.grid, separatorHoverColor: colors.grid },
      },
      grid: { vertLines: { visible: false }, horzLines: { color: colors.grid } },
    });
    candles.applyOptions({
      upColor: colors.up,
      downColor: colors.down,
      wickUpColor: colors.up,
      wickDownColor: colors.down,
    });
    past.applyOptions({ color: colors.forecast });
    pastBand.applyOptions({ fill: colors.forecastSoft });
    future.applyOptions({ color: colors.forecast });
    futureBand.applyOptions({ fill: colors.forecastSoft, stroke: colors.forecast });
  }

  /** Numbers and dates of a BCP 47 language. */
  setLanguage(language: string, formatPrice: (value: number) => string): void {
    this.#chart.applyOptions({ localization: { locale: language, priceFormatter: formatPrice } });
  }

  setData(data: ChartData): void {
    const { volume, candles, past, pastBand, future, futureBand } = this.#series;
    const { upSoft, downSoft } = this.#colors;
    const before = this.#points;
    const seen = this.#chart.timeScale().getVisibleLogicalRange();
    candles.setData(
      data.bars.map(({ session, open, high, low, close }) => ({ time: session, open, high, low, close })),
    );
    volume.setData(
      data.bars.map((bar) => ({
        time: bar.session,
        value: bar.volume,
        color: bar.close >= bar.open ? upSoft : downSoft,
      })),
    );
    past.setData(line(data.past));
    pastBand.setData(band(data.past));
    future.setData(withBlanks(line(data.future), data.blanks));
    futureBand.setData(band(data.future));
    this.#bars = data.bars.length;
    this.#points = this.#bars + data.future.length + data.blanks.length;
    this.#keepPlace(seen, before);
  }

  setIndicators(lines: readonly IndicatorLine[]): void {
    this.#indicators.set(lines);
  }

  /** Shows the newest so many sessions, and what is forecast after them. */
  show(sessions: number): void {
    const last = this.#bars - 1;
    const ahead = this.#points - this.#bars;
    const from = Math.max(-1, last - sessions);
    this.#chart.timeScale().setVisibleLogicalRange({ from, to: last + ahead + MARGIN });
  }

  remove(): void {
    this.#chart.remove();
  }

  /** A new session moves the picture by its place when the newest ones are in sight, and not at all otherwise. */
  #keepPlace(seen: { from: number; to: number } | null, before: number): void {
    if (!seen || before === 0) return;
    const added = seen.to >= before - 2 ? Math.max(0, this.#points - before) : 0;
    this.#chart.timeScale().setVisibleLogicalRange({ from: seen.from + added, to: seen.to + added });
  }
}

function withBlanks(points: { time: string; value: number }[], blanks: readonly string[]) {
  const all = [...points, ...blanks.map((time) => ({ time }))];
  return all.sort((a, b) => (a.time < b.time ? -1 : 1));
}
