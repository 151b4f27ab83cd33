using DeepEdu.Education.Models;

namespace DeepEdu.Education.Data;

/// <summary>Several things to tell about a handwritten digit.</summary>
internal static class DigitTasks
{
    /// <summary>Which digit; odd or not; whether its printed form has a closed loop (0, 6, 8, 9); and how far the strokes lean.</summary>
    public static Head[] Of(ImageSet images) =>
    [
        new("digit", HeadKind.Class, Array.ConvertAll(images.Labels, l => (float)l)) { Outputs = images.Classes },
        new("odd", HeadKind.YesNo, Array.ConvertAll(images.Labels, l => (float)(l & 1))),
        new("loop", HeadKind.YesNo, Array.ConvertAll(images.Labels, l => l is 0 or 6 or 8 or 9 ? 1f : 0f)),
        new("slant", HeadKind.Value, [.. Enumerable.Range(0, images.Count).Select(i => Slant(images[i], images.Width))]) { Weight = 3 }, // its loss soon falls far below the others
    ];

    /// <summary>Columns that the strokes lean to the left per row downwards: −μ₁₁/μ₀₂ of the grey values' central moments, the shear that straightens handwriting.</summary>
    internal static float Slant(ReadOnlySpan<float> image, int width)
    {
        double mass = 0, x = 0, y = 0, xy = 0, yy = 0;
        for (int i = 0; i < image.Length; i++) { (mass, x, y) = (mass + image[i], x + image[i] * (i % width), y + image[i] * (i / width)); }
        for (int i = 0; i < image.Length; i++)
        {
            double dx = i % width - x / mass, dy = i / width - y / mass;
            xy += image[i] * dx * dy;
            yy += image[i] * dy * dy;
        }
        return yy > 0 ? (float)(-xy / yy) : 0;
    }
}
