import { Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Explanation, PredictionDetail } from '@/api/predictionDetail';
import { useFormat } from '@/shared/format/useFormat';
import { MoreButton } from '@/shared/ui/MoreButton';
import { ContributionRow } from './ContributionRow';

/** Contributions shown at first. */
const FIRST = 10;

/** Why a prediction says what it says: each feature's value, and how far it moved the forecast. */
export function ExplanationPanel({ detail }: { detail: PredictionDetail }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" data-testid="explanation">
      <Title order={3} fz="md">
        {t('explain.title')}
      </Title>
      {detail.explanation ? (
        <Contributions explanation={detail.explanation} />
      ) : (
        <Text fz="sm" className="muted">
          {detail.unexplained ?? t('explain.none')}
        </Text>
      )}
    </Stack>
  );
}

function Contributions({ explanation }: { explanation: Explanation }) {
  const { t } = useTranslation();
  const scaled = useScaled(explanation.scale);
  const [all, setAll] = useState(false);
  const { features, method, base, output, additive } = explanation;
  const shown = all ? features : features.slice(0, FIRST);
  const largest = Math.max(...features.map((item) => Math.abs(item.contribution)), Number.MIN_VALUE);
  return (
    <>
      <Text fz="sm" className="muted">
        {t(`explain.method.${method}`)}{' '}
        {t(additive ? 'explain.sums' : 'explain.sumsNot', { base: scaled(base), output: scaled(output) })}
      </Text>
      <Stack gap={10} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {shown.map((item) => (
          <ContributionRow key={item.name} item={item} largest={largest} format={scaled} />
        ))}
      </Stack>
      <MoreButton
        hidden={shown.length === features.length}
        label={t('explain.all', { count: features.length })}
        onMore={() => {
          setAll(true);
        }}
      />
    </>
  );
}

/** How a contribution is written: returns in per cent, the others as they are. */
function useScaled(scale: Explanation['scale']): (value: number) => string {
  const format = useFormat();
  return scale === 'log_return' || scale === 'probability'
    ? (value) => format.change(value, 3)
    : (value) => format.number(value, 4);
}
