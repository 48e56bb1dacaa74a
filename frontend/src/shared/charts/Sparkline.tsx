import { useId } from 'react';
import classes from './Sparkline.module.css';

interface SparklineProps {
  values: readonly number[];
  /** what the line tells, for people who do not see it */
  label: string;
  height?: number;
  tone?: 'up' | 'down' | 'forecast' | 'neutral';
  /** the axis starts at zero: for rates, not for prices */
  fromZero?: boolean;
}

const WIDTH = 240;
const PAD = 3;

/** A line without axes, as wide as its place. */
export function Sparkline({
  values,
  label,
  height = 44,
  tone = 'neutral',
  fromZero = false,
}: SparklineProps) {
  const gradient = useId();
  if (values.length < 2) return <div style={{ height }} />;
  const low = fromZero ? 0 : Math.min(...values);
  const high = Math.max(...values);
  const span = high - low || 1;
  const x = (index: number) => (index / (values.length - 1)) * WIDTH;
  const y = (value: number) => PAD + (1 - (value - low) / span) * (height - 2 * PAD);
  const line = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' L');
  return (
    <svg
      className={classes.sparkline}
      data-tone={tone}
      viewBox={`0 0 ${WIDTH} ${height}`}
      preserveAspectRatio="none"
      height={height}
      role="img"
      aria-label={label}
    >
      <defs>
        <linearGradient id={gradient} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor="currentColor" stopOpacity="0.22" />
          <stop offset="1" stopColor="currentColor" stopOpacity="0" />
        </linearGradient>
      </defs>
      <path d={`M${line} L${WIDTH},${height} L0,${height} Z`} fill={`url(#${gradient})`} />
      <path
        d={`M${line}`}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
