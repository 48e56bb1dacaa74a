import '@/shared/ui/mantineMore';
import { Tooltip } from '@mantine/core';

interface HintBubbleProps {
  target: HTMLElement;
  opened: boolean;
  label: string;
}

/** What {@link Hint} shows; a file of its own, because what places it is large. */
export default function HintBubble(props: HintBubbleProps) {
  return <Tooltip {...props} multiline maw={320} />;
}
