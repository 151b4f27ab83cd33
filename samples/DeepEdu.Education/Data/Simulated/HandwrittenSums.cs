using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>A sum a + b and a pupil's handwritten answer, one image a digit (places in the image set).</summary>
internal readonly record struct HandwrittenSum(int A, int B, int[] Answer, bool Right);

/// <summary>Sums of one-digit numbers with answers made of digit images; about a third of the pupils err by one, by ten, or at random.</summary>
internal static class HandwrittenSums
{
    public static HandwrittenSum[] Create(ImageSet digits, int count, ulong seed)
    {
        Rng rng = new(seed);
        List<int>[] byDigit = new List<int>[10];
        for (int d = 0; d < 10; d++) { byDigit[d] = []; }
        for (int i = 0; i < digits.Count; i++) { if (digits.Labels[i] < 10) { byDigit[digits.Labels[i]].Add(i); } } // others may be letters
        HandwrittenSum[] sums = new HandwrittenSum[count];
        for (int s = 0; s < count; s++)
        {
            int a = rng.Next(10), b = rng.Next(10), truth = a + b, written = truth;
            if (rng.Next(3) == 0)
            {
                written = rng.Next(3) switch { 0 => truth + 1, 1 => truth >= 10 ? truth - 10 : truth + 10, _ => rng.Next(19) };
            }
            int[] answer = [.. Split(written).Select(d => byDigit[d][rng.Next(byDigit[d].Count)])];
            sums[s] = new(a, b, answer, written == truth);
        }
        return sums;
    }

    public static int[] Split(int number) => number < 10 ? [number] : [number / 10, number % 10];
}
