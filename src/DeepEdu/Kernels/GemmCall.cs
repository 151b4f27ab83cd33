namespace DeepEdu.Kernels;

/// <summary>The operands of a product C [m, n] = op(A)·op(B), as <see cref="Gemm.Run(bool, bool, int, int, int, float*, nint, float*, nint, float*, nint, bool, Epilogue)"/> takes them; none if C is null.</summary>
internal unsafe struct GemmCall
{
    public bool TransA, TransB;
    public int M, N, K;
    public float* A, B, C;
    public nint Lda, Ldb, Ldc;
}
