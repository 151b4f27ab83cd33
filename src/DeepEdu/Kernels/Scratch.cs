namespace DeepEdu.Kernels;

/// <summary>Working memory of one thread, kept from call to call. Pinned and 64-byte aligned; made when first needed, grown by doubling.</summary>
internal sealed unsafe class Scratch
{
    [ThreadStatic] private static Scratch? t_panels;
    [ThreadStatic] private static Scratch? t_sums;
    [ThreadStatic] private static Scratch? t_images;
    [ThreadStatic] private static Scratch? t_layer;
    [ThreadStatic] private static Scratch? t_rows;
    [ThreadStatic] private static Scratch? t_factor;

    private float[] _memory = [];

    private float* _start;

    /// <summary>This thread's memory for packed panels: used within a chunk.</summary>
    public static Scratch Panels => t_panels ??= new Scratch();

    /// <summary>This thread's memory for partial sums: used around chunks.</summary>
    public static Scratch Sums => t_sums ??= new Scratch();

    /// <summary>This thread's memory for one image on its way through a convolution: used within a chunk, around the panels.</summary>
    public static Scratch Images => t_images ??= new Scratch();

    /// <summary>This thread's memory for packed weights and a convolution's sums: used around chunks, outside <see cref="Sums"/>.</summary>
    public static Scratch Layer => t_layer ??= new Scratch();

    /// <summary>This thread's memory for a product's whole second factor, packed: used around its chunks.</summary>
    public static Scratch Factor => t_factor ??= new Scratch();

    /// <summary>This thread's memory for sums over the rows of a product: used around it, outside <see cref="Sums"/> and <see cref="Layer"/>.</summary>
    public static Scratch Rows => t_rows ??= new Scratch();

    /// <summary>At least <paramref name="length"/> floats of undefined content, good until the next call on this thread.</summary>
    public float* Take(int length)
    {
        if ((uint)length > (uint)(_memory.Length - 16) || _memory.Length < 16) { Grow(length); }
        return _start;
    }

    private void Grow(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length); // a product of sizes beyond what an int holds
        _memory = GC.AllocateUninitializedArray<float>(checked(Math.Max(length, 2 * _memory.Length) + 16), pinned: true);
        fixed (float* p = _memory) { _start = (float*)(((nint)p + 63) & ~63); }
    }
}
