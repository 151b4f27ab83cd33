using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Triangles of matrices: 0 on the other side of a diagonal.</summary>
public static class Triangles
{
    extension(Tensor x)
    {
        /// <summary>The lower triangle of the last two axes: x[.., i, j] where j ≤ i + diagonal, else 0. A causal mask is <c>Tensor.Ones([t, t]).Tril()</c>.</summary>
        /// <param name="diagonal">The last diagonal that is kept: 0 is the main one, 1 the next above.</param>
        /// <exception cref="ShapeException">Fewer than two axes.</exception>
        public Tensor Tril(int diagonal = 0) => x.Triangle("tril", diagonal, lower: true);

        /// <summary>The upper triangle of the last two axes: x[.., i, j] where j ≥ i + diagonal, else 0.</summary>
        /// <param name="diagonal">The first diagonal that is kept: 0 is the main one, 1 the next above.</param>
        /// <exception cref="ShapeException">Fewer than two axes.</exception>
        public Tensor Triu(int diagonal = 0) => x.Triangle("triu", diagonal, lower: false);
    }

    private static Tensor Triangle(this Tensor x, string op, int diagonal, bool lower)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank < 2) { ThrowRank(op, x.Shape); }
        var y = Tensor.Empty(x.Shape, x.Device);
        x.Device.Launch(new TriangleKernel(x.View, y.View, x.Shape[^2], x.Shape[^1], diagonal, lower));
        Tape.For(x)?.AddRecordable(y, (x, dy => dy.Triangle(op, diagonal, lower)));
        return y;
    }

    [DoesNotReturn]
    private static void ThrowRank(string op, Shape x) => throw new ShapeException(op, $"{x} has no last two axes", x);

    /// <summary>Copies one side of a diagonal of each matrix and clears the other.</summary>
    public readonly record struct TriangleKernel(View X, View Y, int Rows, int Columns, int Diagonal, bool Lower) : IKernel
    {
        /// <inheritdoc/>
        public static string Name => "triangle";

        /// <inheritdoc/>
        public void Run()
        {
            if (Y.Length == 0) { return; }
            int rows = Math.Max(1, CpuDevice.Grain / Columns);
            Work.Run(((Y.Length / Columns) + rows - 1) / rows, new Chunks(this, rows));
        }

        private readonly struct Chunks(TriangleKernel k, int rows) : IChunks
        {
            public void Run(int chunk)
            {
                int end = Math.Min(k.Y.Length / k.Columns, (chunk + 1) * rows);
                for (int row = chunk * rows; row < end; row++)
                {
                    var x = CpuDevice.Of(k.X).Slice(row * k.Columns, k.Columns);
                    var y = CpuDevice.Of(k.Y).Slice(row * k.Columns, k.Columns);
                    int cut = (int)Math.Clamp((row % k.Rows) + (long)k.Diagonal + (k.Lower ? 1 : 0), 0, k.Columns);
                    var (kept, cleared) = k.Lower ? (..cut, cut..) : (cut.., ..cut);
                    x[kept].CopyTo(y[kept]);
                    y[cleared].Clear();
                }
            }
        }
    }
}
